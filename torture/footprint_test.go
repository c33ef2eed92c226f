package torture

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// footprint is what a service takes of the machine.
type footprint struct{ goroutines, heap, resident float64 }

func (f footprint) String() string {
	return fmt.Sprintf("%.0f goroutines, %.0f MB on the heap, %.0f MB resident", f.goroutines, f.heap/(1<<20), f.resident/(1<<20))
}

// normal says that it is not much more than it was. What the heap holds rises and falls with collections.
func (f footprint) normal(before footprint) bool {
	return f != footprint{} && f.goroutines <= before.goroutines*1.2+10 && f.heap <= before.heap*1.2+16<<20
}

// footprint is what the service says of itself, nothing if it cannot.
func (s *service) footprint() footprint {
	response, err := http.Get(s.admin + "/metrics")
	if err != nil {
		return footprint{}
	}
	defer response.Body.Close()
	values := make(map[string]float64)
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			values[name], _ = strconv.ParseFloat(value, 64) // comments are none
		}
	}
	return footprint{values["go_goroutines"], values["go_memstats_heap_inuse_bytes"], values["process_resident_memory_bytes"]}
}
