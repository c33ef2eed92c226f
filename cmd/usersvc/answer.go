package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// answer prints what a command has done or found: a line for people, or one of JSON for programs.
func (c *config) answer(w io.Writer, value any, format string, args ...any) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(value)
	}
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}
