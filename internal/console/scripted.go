package console

import "net/http"

// scripted refuses what a form sends by itself while the script of its page is not there: nobody has been asked whether it is meant.
func scripted(show shower) shower {
	return func(v *visit) (view, error) {
		if v.Method == http.MethodPost && v.Header.Get("HX-Request") == "" {
			return view{}, &problem{Status: http.StatusBadRequest, Title: "Nothing was changed", Detail: "Changes are sent by JavaScript, " +
				"which is switched off or was not there yet. Go back, and try it again."}
		}
		return show(v)
	}
}
