// Package demo makes up a year: some thousands of people who join, change, are suspended and leave, and what other
// domains report about them, as lines that `usersvc import` reads. Nobody in it exists.
//
// It guarantees:
//   - Everything was decided by the rules of package domain, at its time: what is refused did not happen.
//   - The same seed, end and number of people make the same lines, so that a tutorial can name what is to be found.
//
// What is to be found: one weekend a gang of spammers signs up and is suspended; a support robot changes its role
// more than a thousand times; somebody is an admin for nine days in spring and nobody remembers why.
package demo
