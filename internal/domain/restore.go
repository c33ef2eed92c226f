package domain

import "slices"

// Fields names what a Restore brings back. Status is not among them: to
// suspend and to reactivate each say why.
type Fields struct {
	Email, DisplayName, FirstName, LastName, Roles bool
}

// Add names one more field as the user's JSON does. An unknown one and a
// repeated one are refused.
func (f *Fields) Add(name string) error {
	named := map[string]*bool{"email": &f.Email, "displayName": &f.DisplayName,
		"firstName": &f.FirstName, "lastName": &f.LastName, "roles": &f.Roles}[name]
	switch {
	case named == nil:
		return invalid("fields", codeUnknownField, "A field must be one of email, displayName, firstName, lastName, roles.")
	case *named:
		return invalid("fields", codeRepeated, "A field must be named once.")
	}
	*named = true
	return nil
}

// ParseVersion accepts 1 and what follows.
func ParseVersion(n int) (int, error) {
	if n < 1 {
		return 0, invalid("version", codeInvalidVersion, "A version is 1 or more.")
	}
	return n, nil
}

// Restore brings fields of a user back to what they were at a version, by the
// commands that anyone could give one after the other.
type Restore struct {
	Version int
	Fields  Fields
	Past    User // at Version; not asked for unless the user has it
}

// Decide returns UserEmailChanged, UserProfileChanged, RoleRevoked and
// RoleGranted for what differs, in this order. A value of then that today's
// rules do not take as it is, is refused, unless the user has it still.
func (c Restore) Decide(u User) ([]Event, error) {
	if err := c.check(u); err != nil {
		return nil, err
	}
	var events []Event
	for _, command := range c.commands(u) {
		decided, err := command.Decide(u)
		if err != nil {
			return nil, err
		}
		for _, e := range decided {
			u = u.Apply(e, u.UpdatedAt)
		}
		events = append(events, decided...)
	}
	return events, nil
}

// check asks for the version after it asked for the user: before, there is
// nothing to compare it with.
func (c Restore) check(u User) error {
	if _, err := ParseVersion(c.Version); err != nil {
		return err
	}
	if c.Fields == (Fields{}) {
		return required("fields")
	}
	if err := u.Alive(); err != nil {
		return err
	}
	if c.Version > u.Version {
		return invalid("version", codeNoSuchVersion, "The user has no such version yet.")
	}
	return c.checkValues(u)
}

func (c Restore) checkValues(u User) error {
	then := c.Past
	for _, f := range []struct {
		name    string
		named   bool
		was, is string
		parse   func(string) (string, error)
	}{
		{"email", c.Fields.Email, then.Email, u.Email, func(s string) (string, error) { _, err := ParseEmail(s); return s, err }},
		{"displayName", c.Fields.DisplayName, then.DisplayName, u.DisplayName, asText(ParseDisplayName)},
		{"firstName", c.Fields.FirstName, then.FirstName, u.FirstName, asText(ParseFirstName)},
		{"lastName", c.Fields.LastName, then.LastName, u.LastName, asText(ParseLastName)},
	} {
		if !f.named || f.was == f.is {
			continue
		}
		if parsed, err := f.parse(f.was); err != nil || parsed != f.was {
			return outdated(f.name)
		}
	}
	for _, role := range c.missing(u) {
		if _, err := ParseRole(role); err != nil {
			return outdated("roles")
		}
	}
	return nil
}

func asText[T ~string](parse func(string) (T, error)) func(string) (string, error) {
	return func(s string) (string, error) {
		parsed, err := parse(s)
		return string(parsed), err
	}
}

func outdated(field string) *Error {
	return invalid("fields", codeOutdated, "What "+field+" was at that version breaks a rule of today.")
}

// commands has those that change nothing, too: their rules about the user's
// state are asked all the same. Roles are revoked first, to make room.
func (c Restore) commands(u User) (commands []Command) {
	then, f := c.Past, c.Fields
	if f.Email {
		commands = append(commands, ChangeEmail{Email{then.Email, CanonicalEmail(then.Email)}})
	}
	if f.DisplayName || f.FirstName || f.LastName {
		commands = append(commands, ChangeProfile{
			DisplayName: name(f.DisplayName, then.DisplayName, u.DisplayName),
			FirstName:   name(f.FirstName, then.FirstName, u.FirstName),
			LastName:    name(f.LastName, then.LastName, u.LastName),
		})
	}
	if !f.Roles {
		return commands
	}
	for _, role := range u.Roles {
		if !then.hasRole(role) {
			commands = append(commands, RevokeRole{Role(role)})
		}
	}
	for _, role := range c.missing(u) {
		commands = append(commands, GrantRole{Role(role)})
	}
	return commands
}

func name(wanted bool, was, is string) *Name {
	if !wanted || was == is {
		return nil
	}
	value := Name(was)
	return &value
}

// missing are the roles that the user had then and has not now.
func (c Restore) missing(u User) (roles []string) {
	if !c.Fields.Roles {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Past.Roles), u.hasRole)
}
