package keras

import (
	"fmt"
	"strings"
)

// brief is a value of a configuration as a message has it. It may be a list of a million, to
// each of which the precision goes.
func brief(v any) string {
	const most = 80
	if list, ok := v.([]any); ok {
		v = list[:min(len(list), most)]
	}
	s := fmt.Sprintf("%.40v", v)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
