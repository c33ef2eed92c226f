package console

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// form is a command as people send it.
type form struct {
	Path    string
	Name    string // of the command, and of its template's id
	Title   string
	Says    string // what it does, and when it is refused
	Button  string
	Danger  bool // cannot be undone
	Open    bool
	Version int    // of the user on the page; 0: none yet
	Key     string // that makes sending it twice sending it once
	Fields  []field
	Problem *problem
	Preview *dryRun // of a restore: what it would record
}

type field struct {
	Name, Label, Value, Type, Hint string
	Required                       bool
	Max                            int // characters
	Error                          string
	Merged                         bool   // sent only if it is not as it Was, so that what others changed meanwhile stays
	Was                            string // on the page
}

// formsFor are the commands on a user in its status.
func formsFor(u user) []form {
	reason := field{Name: "reason", Label: "Reason", Required: true, Max: 500, Hint: "Kept in the history, for everybody who reads it."}
	var forms []form
	if u.Status == "active" {
		forms = append(forms,
			form{Name: "email", Title: "Change e-mail", Button: "Change", Fields: []field{{Name: "email", Label: "E-mail", Type: "email", Value: u.Email, Required: true, Max: 254}}},
			form{Name: "profile", Title: "Change names", Button: "Change", Fields: []field{
				{Name: "displayName", Label: "Display name", Value: u.DisplayName, Required: true, Max: 200, Merged: true, Was: u.DisplayName},
				{Name: "firstName", Label: "First name", Value: u.FirstName, Max: 100, Merged: true, Was: u.FirstName},
				{Name: "lastName", Label: "Last name", Value: u.LastName, Max: 100, Merged: true, Was: u.LastName}}},
			form{Name: "grant", Title: "Grant a role", Button: "Grant", Fields: []field{
				{Name: "role", Label: "Role", Required: true, Max: 64, Hint: "Small letters, digits, and _ . : - between them."}}},
			form{Name: "suspend", Title: "Suspend", Button: "Suspend", Fields: []field{reason}})
	} else {
		forms = append(forms, form{Name: "reactivate", Title: "Reactivate", Button: "Reactivate",
			Says: "E-mail, names and new roles can be changed again then."})
	}
	if len(u.Roles) > 0 {
		forms = append(forms, form{Name: "revoke", Title: "Revoke a role", Button: "Revoke", Fields: []field{
			{Name: "role", Label: "Role", Type: "choice", Hint: strings.Join(u.Roles, " "), Required: true}}})
	}
	optional := field{Name: "reason", Label: "Reason", Max: 500, Hint: "Optional."}
	forms = append(forms, form{Name: "delete", Title: "Delete", Button: "Delete for good", Danger: true,
		Says: "The address is free at once. The history stays, and the user cannot come back.", Fields: []field{optional}})
	for i := range forms {
		forms[i].Version, forms[i].Key, forms[i].Path = u.Version, uuid.NewString(), Prefix+"/users/"+u.ID+"/"+forms[i].Name
	}
	return forms
}

func newUserForm() form {
	return form{Path: Prefix + "/users/new", Name: "create", Button: "Create", Open: true, Key: uuid.NewString(), Fields: []field{
		{Name: "email", Label: "E-mail", Type: "email", Required: true, Max: 254},
		{Name: "displayName", Label: "Display name", Max: 200, Hint: "Or leave it empty, and give both names."},
		{Name: "firstName", Label: "First name", Max: 100},
		{Name: "lastName", Label: "Last name", Max: 100}}}
}

// Units are how browsers count: some characters are two.
func (f field) Units() int { return 2 * f.Max }

// Choices of a field that offers some.
func (f field) Choices() []string { return strings.Fields(f.Hint) }

// answer fills the form with what was sent, and says at each field what is wrong with it. What may have happened all the same is
// sent again as the same request: under the same key, to the same version.
func (f *form) answer(v *visit, p *problem) {
	f.Open, f.Problem = true, p
	again := p.Status >= http.StatusInternalServerError
	if again {
		f.Key, f.Version = v.FormValue("key"), v.sentVersion()
	}
	for i := range f.Fields {
		field := &f.Fields[i]
		field.Error = p.at(field.Name)
		if again && field.Merged {
			field.Was = v.FormValue(was + field.Name)
		}
		if again || v.put(field.Name) {
			field.Value = v.FormValue(field.Name)
		}
	}
}

// was is before the name of a field for what it had on the page.
const was = "was-"

// put says whether somebody has put something into a field, which of most fields is not asked.
func (v *visit) put(name string) bool {
	return !v.Form.Has(was+name) || v.FormValue(name) != v.FormValue(was+name)
}

// Stale says that the user has changed since the page was made, which If-Match has noticed.
func (f form) Stale() bool { return f.Problem != nil && f.Problem.Code == "precondition_failed" }

// ETag of the version on the page.
func (f form) ETag() string { return strconv.Quote(strconv.Itoa(f.Version)) }
