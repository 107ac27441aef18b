package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	// faultsInPlan is how many faults a seed injects.
	faultsInPlan = 8
	// seedsForAll is how many seeds in a row inject every fault of the catalogue.
	seedsForAll = 20
)

// deal returns the faults of a seed. Every fault is dealt to each twentieth seed, and
// what a seed lacks then is chosen at random.
func deal(seed uint64, faults []fault) (hand []fault) {
	deck := rand.New(rand.NewPCG(seedsForAll, 3)).Perm(len(faults))
	for i, card := range deck {
		if uint64(i)%seedsForAll == seed%seedsForAll {
			hand = append(hand, faults[card])
		}
	}
	random := rand.New(rand.NewPCG(seed, 3))
	for len(hand) < faultsInPlan {
		hand = append(hand, faults[random.IntN(len(faults))])
	}
	random.Shuffle(len(hand), func(i, j int) { hand[i], hand[j] = hand[j], hand[i] })
	return hand
}

// find returns the fault of a name.
func find(name string, faults []fault) (fault, error) {
	names := make([]string, len(faults))
	for i, f := range faults {
		if names[i] = f.String(); names[i] == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("--fault %s: must be one of:\n%s", name, strings.Join(names, "\n"))
}
