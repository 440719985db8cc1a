package infer

// A worker runs a share of a batch's streams, in a block of its own.
type worker struct {
	batch  *Batch
	index  int
	wake   chan struct{} // a job is there; nil for the caller's
	err    sessionError
	failed bool

	block   block
	rows    []int    // of each stream in the block, its row in the job
	session *Session // instead, where the model does not stream
}

// wait runs each job that comes.
func (w *worker) wait() {
	for range w.wake {
		w.work()
		w.batch.pending.Done()
	}
}

// work runs the worker's rows of the job.
func (w *worker) work() {
	j, k := &w.batch.job, len(w.batch.workers)
	first, last := j.n*w.index/k, j.n*(w.index+1)/k
	w.failed = false
	if w.session != nil {
		for row := first; row < last && !w.failed; row++ {
			w.runWhole(j, row)
		}
		return
	}
	// Blocks of one size read the weights as seldom as full ones, and no last one is small.
	n := last - first
	blocks := (n + w.block.streams - 1) / w.block.streams
	for i := range blocks {
		if !w.failed {
			w.runBlock(j, first+n*i/blocks, first+n*(i+1)/blocks)
		}
	}
}

// runWhole runs the sequence of one row on its own.
func (w *worker) runWhole(j *job, row int) {
	b, s, id := w.batch, w.session, j.id(row)
	I, O := j.steps*b.model.InputSize(), j.steps*b.model.OutputSize()
	copy(s.state, b.of(b.states, id))
	if _, err := s.RunLength(j.ys[row*O:][:O], j.xs[row*I:][:I], j.length(row)); err != nil {
		w.err, w.failed = s.err, true
		w.err.inBatch(id)
		return
	}
	copy(b.of(b.after, id), s.state)
}

// runBlock runs rows first … last−1, which the block has streams for: all of them at once,
// as many steps as fit into its slots and as the shortest of them has left. Then that one
// leaves, and the last stream of the block takes its place.
func (w *worker) runBlock(j *job, first, last int) {
	b, block := w.batch, &w.block
	I, O := b.model.InputSize(), b.model.OutputSize()
	n := 0
	for row := first; row < last; row++ {
		w.rows[n] = row
		copy(block.states.at(n), b.of(b.states, j.id(row)))
		n++
	}
	for t := 0; ; {
		for s := 0; s < n; {
			row := w.rows[s]
			if t < j.length(row) {
				s++
				continue
			}
			copy(b.of(b.after, j.id(row)), block.states.at(s))
			clear(j.ys[(row*j.steps+t)*O : (row+1)*j.steps*O])
			n--
			w.rows[s] = w.rows[n]
			copy(block.states.at(s), block.states.at(n))
		}
		if n == 0 {
			return
		}
		steps := block.slots / n
		for _, row := range w.rows[:n] {
			steps = min(steps, j.length(row)-t)
		}
		for s, row := range w.rows[:n] {
			xs := j.xs[(row*j.steps+t)*I:]
			for i := range steps {
				copy(block.input.at(i*n+s), xs[i*I:][:I])
			}
		}
		if layer, s := block.run(0, len(block.operations), steps, n); layer >= 0 {
			w.err = sessionError{kind: ErrOverflow, argument: b.model.file.Layers[layer].LayerName(), limit: b.model.bounds.limit}
			w.err.inBatch(j.id(w.rows[s]))
			w.failed = true
			return
		}
		for s, row := range w.rows[:n] {
			ys := j.ys[(row*j.steps+t)*O:]
			for i := range steps {
				copy(ys[i*O:][:O], block.output.at(i*n+s))
			}
		}
		t += steps
	}
}
