package cellmatch

import "slices"

// pair reports whether t is coef times two atoms.
func pair(t term, coef float64) bool { return t.coef == coef && len(t.atoms) == 2 }

// other is the atom of a pair that is not a; a square has a twice.
func other(t term, a atomID) atomID {
	if t.atoms[0] == a {
		return t.atoms[1]
	}
	return t.atoms[0]
}

// complement is z of the terms a and −z·a.
func complement(terms []term, a atomID) (atomID, bool) {
	for j, t := range terms {
		if t.coef == 1 && len(t.atoms) == 1 && t.atoms[0] == a && pair(terms[1-j], -1) {
			return other(terms[1-j], a), true
		}
	}
	return 0, false
}

// rest is g of the terms g and −z·g.
func rest(terms []term, z atomID) (atomID, bool) {
	for j, t := range terms {
		if t.coef == 1 && len(t.atoms) == 1 && pair(terms[1-j], -1) && slices.Contains(terms[1-j].atoms, z) && other(terms[1-j], z) == t.atoms[0] {
			return t.atoms[0], true
		}
	}
	return 0, false
}
