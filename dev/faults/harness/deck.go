package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	// faultsInPlan is how many faults a seed injects.
	faultsInPlan = 8
	// seedsForAll is how many seeds in a row inject every fault of the catalogue.
	seedsForAll = 20
)

// deal returns the faults of a seed. Every fault is dealt to each twentieth seed, and
// what a seed lacks then is dealt at random.
func deal(seed uint64, faults []fault) (hand []fault) {
	var rest []fault
	for i, card := range rand.New(rand.NewPCG(seedsForAll, 3)).Perm(len(faults)) {
		if uint64(i)%seedsForAll == seed%seedsForAll {
			hand = append(hand, faults[card])
		} else {
			rest = append(rest, faults[card])
		}
	}
	random := rand.New(rand.NewPCG(seed, 3))
	random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	hand = append(hand, rest[:max(0, faultsInPlan-len(hand))]...)
	random.Shuffle(len(hand), func(i, j int) { hand[i], hand[j] = hand[j], hand[i] })
	return hand
}

// find returns the faults with certain names.
func find(names []string, faults []fault) (found []fault, err error) {
	for _, name := range names {
		i := slices.IndexFunc(faults, func(f fault) bool { return f.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("--fault %s: must be one of:\n%s", name, describe(faults))
		}
		found = append(found, faults[i])
	}
	return found, nil
}

// describe are the names of faults, one a line.
func describe(faults []fault) string {
	var all strings.Builder
	for _, f := range faults {
		fmt.Fprintln(&all, f)
	}
	return all.String()
}
