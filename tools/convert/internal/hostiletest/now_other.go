//go:build !unix

package hostiletest

import "time"

var start = time.Now()

// now is the time since the process began.
func now() time.Duration { return time.Since(start) }
