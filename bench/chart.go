package main

import (
	"fmt"
	"io"
	"slices"
	"text/template"
)

// bar is what one contender did, drawn as long as its median, with the lowest and the highest round.
type bar struct {
	Name                            string
	Rate                            string
	Y, Text, Width, Lowest, Highest int
	Ours                            bool
}

// group is bars that may be compared.
type group struct {
	Title string
	Y     int
	Bars  []bar
}

const (
	barHeight   = 22
	groupHeight = 38
	barsLeft    = 210
	barsWidth   = 420
)

var chart = template.Must(template.New("").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {{.Height}}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Requests a second of each contender">
<style>text{fill:#24292f}.bar{fill:#8c959f}.ours{fill:#0969da}.range{stroke:#24292f;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.range{stroke:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}}</style>
{{range .Groups}}<text x="0" y="{{.Y}}" font-weight="600">{{.Title}}</text>
{{range .Bars}}<text x="200" y="{{.Text}}" text-anchor="end">{{.Name}}</text><rect class="bar{{if .Ours}} ours{{end}}" x="210" y="{{.Y}}" width="{{.Width}}" height="16" rx="2"/><line class="range" x1="{{.Lowest}}" x2="{{.Highest}}" y1="{{.Text}}" y2="{{.Text}}" transform="translate(0 -4)"/><text x="{{.Highest}}" dx="8" y="{{.Text}}">{{.Rate}}</text>
{{end}}{{end}}</svg>
`))

// draw draws the rates of the loads under which all contenders stood side by side.
func (r *report) draw(w io.Writer) error {
	y := 16
	var groups []group
	for _, g := range []struct {
		title       string
		load        string
		connections int
		contenders  []string
	}{
		{"Commands a second, 128 connections", commands, 128, writers},
		{"Commands a second, 1 connection", commands, 1, writers},
		{slowed("Commands a second, 128 connections", slowdowns[0]), slowed(commands, slowdowns[0]), 128, shortlist},
		{slowed("Commands a second, 128 connections", slowdowns[1]), slowed(commands, slowdowns[1]), 128, shortlist},
		{"Reads of one user a second, 64 connections", gets, 64, readers},
		{"Reads of one user a second, 1 connection", gets, 1, readers},
	} {
		next := group{Title: g.title, Y: y}
		y += 10
		highest := 0.0
		for _, name := range g.contenders {
			for _, m := range r.rounds(line{name, g.load, g.connections}) {
				highest = max(highest, m.perSecond)
			}
		}
		for _, name := range g.contenders {
			rates := ratesOf(r.rounds(line{name, g.load, g.connections}))
			if len(rates) == 0 {
				continue
			}
			long := func(rate float64) int { return int(rate / highest * barsWidth) }
			next.Bars = append(next.Bars, bar{
				Name: name, Rate: count(median(rates)), Y: y, Text: y + 13, Width: long(median(rates)),
				Lowest: barsLeft + long(slices.Min(rates)), Highest: barsLeft + long(slices.Max(rates)), Ours: name == serviceName,
			})
			y += barHeight
		}
		groups = append(groups, next)
		y += groupHeight - 10
	}
	if err := chart.Execute(w, map[string]any{"Groups": groups, "Height": y - groupHeight + 20}); err != nil {
		return fmt.Errorf("draw the chart: %w", err)
	}
	return nil
}

func ratesOf(rounds []measurement) (rates []float64) {
	for _, m := range rounds {
		rates = append(rates, m.perSecond)
	}
	return rates
}
