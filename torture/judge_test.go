package torture

// judge holds what the clients were told against the log: whatever was acknowledged happened, once and as it
// was answered; what may have happened did so at most once; nothing else happened at all.
func (l *load) judge(h *history) {
	l.t.Helper()
	found := make(map[string][]event, len(h.events))
	for _, e := range h.events[l.seeded:] {
		found[e.Correlation] = append(found[e.Correlation], e)
	}
	verdicts, landed, doubts := make(map[string]int), 0, 0
	for _, c := range l.sent {
		if wrong := c.verdict(found[c.correlation]); wrong != "" {
			if verdicts[wrong]++; verdicts[wrong] == 1 {
				l.t.Errorf("%s %s %s, first told %d: %s", c.method, c.path, c.body, c.fate, wrong)
			}
		}
		if c.fate == unknown {
			doubts++
			landed += len(found[c.correlation])
		}
		delete(found, c.correlation)
	}
	for wrong, n := range verdicts {
		l.t.Errorf("%d of %d commands: %s", n, len(l.sent), wrong)
	}
	for _, events := range found {
		l.t.Errorf("phantom: position %d holds a %s that nobody sent", events[0].Position, events[0].Type)
		break
	}
	l.t.Logf("%d commands sent, %d acknowledged, %d events; of %d with an unknown end %d had happened; phantoms: %d",
		len(l.sent), l.acknowledged.Load(), len(h.events)-l.seeded, doubts, landed, len(found))
}

// verdict says what is wrong with a command whose events are these, "" if nothing is.
func (c *command) verdict(events []event) string {
	switch {
	case c.refusal != "":
		return "false refusal: it " + c.refusal
	case len(events) > 1:
		return "doubled: there are two events of it"
	case c.fate == acknowledged && len(events) == 0:
		return "lost: it was acknowledged and there is no event of it"
	case c.fate == acknowledged && !c.reports && (events[0].Version != c.version || events[0].Position != c.position):
		return "misplaced: its event is not where its answer said"
	case c.fate == unavailable && len(events) > 0:
		return "phantom: it happened, though its client was told that it had not"
	case c.key != "" && c.fate != acknowledged:
		return "never answered, though it was repeated for a minute"
	}
	return ""
}
