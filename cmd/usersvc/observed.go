//go:build !unobserved

package main

// observed says that the service measures itself and logs. A build with the tag unobserved does neither: `make bench-observed`
// compares the two.
const observed = true
