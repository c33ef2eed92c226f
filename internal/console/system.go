package console

import "time"

// system is the service as a whole: GET /v1/system.
type system struct {
	Version   string    `json:"version"`
	Go        string    `json:"go"`
	StartedAt time.Time `json:"startedAt"`
	Settings  []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"settings"`
	Database *struct {
		Version         string `json:"version"`
		Schema          int    `json:"schema"`
		Bytes           int64  `json:"bytes"`
		Connections     int    `json:"connections"`
		ConnectionLimit int    `json:"connectionLimit"`
	} `json:"database"`
	Pool struct {
		Open  int `json:"open"`
		InUse int `json:"inUse"`
		Limit int `json:"limit"`
	} `json:"pool"`
	Replicas []struct {
		Name        string    `json:"name"`
		Connections int       `json:"connections"`
		Since       time.Time `json:"since"`
	} `json:"replicas"`
	Errors []struct {
		At      time.Time `json:"at"`
		Level   string    `json:"level"`
		Message string    `json:"message"`
		Error   string    `json:"error"`
	} `json:"errors"`
}

func showSystem(v *visit) (view, error) {
	var s system
	_, err := v.get("/v1/system", nil, &s)
	return view{"system", "System", s}, err
}
