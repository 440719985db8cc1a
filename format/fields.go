package format

// Fields are what a layer refers to, in the order of the file: what a tool needs
// that shows or walks a program without knowing every type of layer.
type Fields struct {
	Reads     []Buffer
	Writes    Buffer
	States    []StateID
	Tensors   []TensorID // those that are there
	Functions []Function
}

// FieldsOf returns the fields of l.
func FieldsOf(l Layer) Fields {
	var f fields
	f.of(l)
	return f.Fields
}

// fields is the visitor that collects.
type fields struct{ Fields }

// of collects the fields of l in place of those before.
func (f *fields) of(l Layer) {
	f.Fields = Fields{Reads: f.Reads[:0], States: f.States[:0], Tensors: f.Tensors[:0], Functions: f.Functions[:0]}
	l.visit(f)
}

func (f *fields) name(*string)                   {}
func (f *fields) reads(_ string, b *Buffer)      { f.Reads = append(f.Reads, *b) }
func (f *fields) readsAll(_ string, b *[]Buffer) { f.Reads = append(f.Reads, *b...) }
func (f *fields) writes(_ string, b *Buffer)     { f.Writes = *b }
func (f *fields) state(_ string, s *StateID)     { f.States = append(f.States, *s) }
func (f *fields) tensor(_ string, t *TensorID)   { f.Tensors = append(f.Tensors, *t) }
func (f *fields) function(_ string, g *Function) { f.Functions = append(f.Functions, *g) }
func (f *fields) activation(_ string, a *Activation) {
	f.Functions = append(f.Functions, Function{Kind: *a})
}

func (f *fields) optional(_ string, t *TensorID) {
	if *t != None {
		f.Tensors = append(f.Tensors, *t)
	}
}

func (f *fields) number(string, *int)    {}
func (f *fields) float(string, *float32) {}
func (f *fields) flag(string, *bool)     {}
