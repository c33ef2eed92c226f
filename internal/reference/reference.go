// Package reference is the interactive API reference, as files of a browser: Swagger UI, and what starts it. It is served at
// /docs, asks no other host for anything, and needs no build.
//
// swagger-ui-bundle.js, swagger-ui.css, LICENSE and NOTICE are those of the npm package swagger-ui-dist (Apache-2.0), whose version
// and sums are below, without the line that names a source map.
package reference

import "embed"

// Version is that of swagger-ui-dist.
const Version = "5.35.0"

// Sums are the SHA-256 of what is not ours, as it is here.
var Sums = map[string]string{
	"swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
	"swagger-ui.css":       "a6a4cf68f069eb89984d5d43644e6a812e749df08d2b1320c6e06e6973847d10",
	"LICENSE":              "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
	"NOTICE":               "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2",
}

// Files are what a browser asks for.
//
//go:embed index.html start.js reference.css swagger-ui-bundle.js swagger-ui.css
var Files embed.FS
