package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// measurement is one turn of one contender under one load.
type measurement struct {
	contender   string
	load        string
	connections int
	round       int

	perSecond float64 // of what succeeded
	refused   map[int]int
	succeeded int
	p50, p99  time.Duration
	tail      [3]time.Duration // p90, p99.9 and the longest
	cpu       time.Duration    // of contender and database, for a request of any outcome
}

// of fills in what came back in a period.
func (m measurement) of(t tally) measurement {
	m.succeeded, m.refused = len(t.latencies), t.refused
	m.perSecond = float64(m.succeeded) / t.took.Seconds()
	m.p50, m.p99 = percentile(t.latencies, 50), percentile(t.latencies, 99)
	m.tail = [3]time.Duration{percentile(t.latencies, 90), permille(t.latencies, 999), percentile(t.latencies, 100)}
	return m
}

// refusedShare is in percent.
func (m measurement) refusedShare() float64 {
	sum := 0
	for n := range maps.Values(m.refused) {
		sum += n
	}
	if sum == 0 {
		return 0
	}
	return 100 * float64(sum) / float64(sum+m.succeeded)
}

func (m measurement) String() string {
	s := fmt.Sprintf("%s, %s, %d connections: %s/s, p50 %s, p99 %s, CPU %v", m.contender, m.load, m.connections, count(m.perSecond), short(m.p50), short(m.p99), m.cpu)
	if len(m.refused) > 0 {
		s += fmt.Sprintf(", refused %v", m.refused)
	}
	return s
}

// report is everything that was measured, round by round.
type report struct {
	options
	conditions   []string
	measurements []measurement
	lag          []time.Duration // samples, while most was written
}

// line is what one contender did under one load, over all rounds.
type line struct {
	contender, load string
	connections     int
}

func (r *report) rounds(l line) []measurement {
	return slices.DeleteFunc(slices.Clone(r.measurements), func(m measurement) bool {
		return line{m.contender, m.load, m.connections} != l
	})
}

func (r *report) lines() []line {
	var lines []line
	for _, m := range r.measurements {
		if l := (line{m.contender, m.load, m.connections}); !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	return lines
}

func medianOf[T cmp.Ordered](values []measurement, of func(measurement) T) T {
	var all []T
	for _, v := range values {
		all = append(all, of(v))
	}
	return median(all)
}

// median of an even number is the upper of the two in the middle; of none, zero.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		return *new(T)
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// latencies is a line of an open load.
func (r *report) latencies(l line) string {
	m := r.rounds(l)
	of := func(get func(measurement) time.Duration) string { return short(medianOf(m, get)) }
	return strings.Join([]string{
		l.contender, strings.TrimPrefix(l.load, "commands, "), count(medianOf(m, func(m measurement) float64 { return m.perSecond })),
		of(func(m measurement) time.Duration { return m.p50 }), of(func(m measurement) time.Duration { return m.tail[0] }),
		of(func(m measurement) time.Duration { return m.p99 }), of(func(m measurement) time.Duration { return m.tail[1] }),
		of(func(m measurement) time.Duration { return m.tail[2] }),
	}, " | ")
}

func (l line) open() bool { return strings.HasSuffix(l.load, "/s") }

var page = template.Must(template.New("").Parse(`## Benchmark
{{range .Conditions}}
- {{.}}{{end}}

| contender | load | connections | per second | p50 | p99 | CPU of each | refused |
|---|---|--:|--:|--:|--:|--:|--:|
{{range .Rates}}| {{.}} |
{{end}}{{with .Latencies}}
At a fixed rate, whether the answers come or not; latencies count from when a request was due:

| contender | rate | per second | p50 | p90 | p99 | p99.9 | longest |
|---|--:|--:|--:|--:|--:|--:|--:|
{{range .}}| {{.}} |
{{end}}{{end}}
| claim | measured (lowest to highest round) | target | |
|---|--:|--:|---|
{{range .Claims}}| {{.}} |
{{end}}`))

// write renders the report as Markdown.
func (r *report) write(w io.Writer) error {
	var rates, latencies, claims []string
	for _, l := range r.lines() {
		if l.open() {
			latencies = append(latencies, r.latencies(l))
			continue
		}
		rates = append(rates, r.rate(l))
	}
	for _, c := range r.claims() {
		claims = append(claims, c.String())
	}
	return page.Execute(w, map[string][]string{"Conditions": r.conditions, "Rates": rates, "Latencies": latencies, "Claims": claims})
}

func (r *report) rate(l line) string {
	m := r.rounds(l)
	refused := ""
	if share := medianOf(m, measurement.refusedShare); share > 0 {
		refused = fmt.Sprintf("%.0f %%", share)
	}
	return strings.Join([]string{
		l.contender, l.load, fmt.Sprint(l.connections), count(medianOf(m, func(m measurement) float64 { return m.perSecond })),
		short(medianOf(m, func(m measurement) time.Duration { return m.p50 })),
		short(medianOf(m, func(m measurement) time.Duration { return m.p99 })),
		micros(medianOf(m, func(m measurement) time.Duration { return m.cpu })), refused,
	}, " | ")
}

// count writes a rate, with commas between the thousands.
func count(rate float64) string {
	digits := strconv.Itoa(int(rate + 0.5))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// short writes a duration in milliseconds; pgbench tells of none.
func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// micros writes CPU time, which not every system tells.
func micros(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}
