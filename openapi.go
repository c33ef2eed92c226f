// Package usersvc holds the contract of the service's HTTP interface. It is
// written by hand in openapi.yaml, served as it is, and every request and
// response in the HTTP tests is checked against it.
package usersvc

import _ "embed"

// OpenAPI is openapi.yaml: an OpenAPI 3.1 document. It must not be changed.
//
//go:embed openapi.yaml
var OpenAPI []byte
