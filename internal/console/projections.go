package console

import (
	"fmt"
	"net/http"
)

// Found is what came of the comparison with the live rows; empty while there is none.
func (r rebuild) Found() string {
	switch {
	case r.Differences == nil:
		return ""
	case *r.Differences == 0:
		return "no difference found"
	}
	return fmt.Sprintf("%d users differed, and are right now", *r.Differences)
}

type projectionList struct {
	Projections []projection
	Problem     *problem
}

func showProjections(v *visit) (view, error) {
	shown, err := v.projections()
	return view{"projections", "Projections", shown}, err
}

func (v *visit) projections() (projectionList, error) {
	var all page[projection]
	_, err := v.get("/v1/projections", nil, &all)
	return projectionList{Projections: all.Data}, err
}

// showProjection is the part of the page that is asked for again and again.
func showProjection(v *visit) (view, error) {
	var p projection
	_, err := v.get(v1("projections", v.PathValue("name")), nil, &p)
	return view{"projection", "", p}, err
}

// changeRebuild starts one, or has it cancelled.
func changeRebuild(v *visit) (view, error) {
	method := map[string]string{"rebuild": http.MethodPost, "cancel": http.MethodDelete}[v.PathValue("change")]
	if method == "" {
		return showNothing(v)
	}
	_, err := v.send(call{method: method, path: v1("projections", v.PathValue("name"), "rebuild")}, nil)
	refused, err := declined(err)
	if err != nil {
		return view{}, err
	}
	shown, err := v.projections()
	if err != nil {
		return unread(err, outcome{Path: Prefix + "/projections", Notice: "The command was carried out.", Refused: refused}), nil
	}
	shown.Problem = refused
	return view{"projections", "Projections", shown}, nil
}
