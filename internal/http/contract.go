package httpapi

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

// Documents change with the build and not before.
const documentCaching = "public, max-age=300"

// contract is openapi.yaml, as it was written and as JSON.
type contract struct{ inYAML, inJSON []byte }

func newContract(document []byte) (contract, error) {
	var parsed map[string]any
	if err := yaml.Unmarshal(document, &parsed); err != nil {
		return contract{}, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	inJSON, err := json.Marshal(parsed, json.Deterministic(true))
	if err != nil {
		return contract{}, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	return contract{document, inJSON}, nil
}

func (c contract) yaml(w http.ResponseWriter, _ *http.Request) error {
	return writeDocument(w, "application/yaml", c.inYAML)
}

func (c contract) json(w http.ResponseWriter, _ *http.Request) error {
	return writeDocument(w, "application/json", c.inJSON)
}

func writeDocument(w http.ResponseWriter, mediaType string, document []byte) error {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", documentCaching)
	_, _ = w.Write(document) // fails only when nobody reads it
	return nil
}
