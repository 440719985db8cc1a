package onnx

import "fmt"

// masked says that the model has a mask, which would else be said of whatever op comes first
// of those that it is made with: Keras compares the input with the number that steps to be
// skipped are filled with, and takes the opposite.
//
//	Not(Equal(input, 0))
func (t *translation) masked(live []bool) error {
	inputs := map[string]bool{}
	for _, in := range t.graph.inputs {
		if _, stored := t.stored[in.name]; !stored && len(in.dims) > 1 { // else it may decide for all steps
			inputs[in.name] = true
		}
	}
	equal := map[string]string{} // results, with the input
	for k, n := range t.graph.nodes {
		if !live[k] {
			continue
		}
		if n.op == "Equal" && len(n.outputs) == 1 {
			for _, in := range n.inputs {
				if inputs[in] {
					equal[n.outputs[0]] = in
				}
			}
		}
		if in := equal[n.input(0)]; n.op == "Not" && in != "" {
			return fmt.Errorf("node %q (%s): found a mask, by which steps of the input %q are skipped, as Keras makes it (Masking, mask_zero); supported is that every step counts: export the model without it, and give a padded sequence its length with Session.RunLength", n.name, n.op, in)
		}
	}
	return nil
}
