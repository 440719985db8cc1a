package converter

// Convert converts source with that spec, or the one beside it if there is none.
func Convert(source, spec string) (*Result, error) { return Options{Spec: spec}.Convert(source) }
