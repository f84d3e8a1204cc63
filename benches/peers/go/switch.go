package main

import (
	"iter"
	"time"
)

// switches is Go's nearest to a bare switch: iter.Pull goes from one goroutine to another and back
// without the scheduler (runtime.coroswitch).
func switches(rounds int) {
	numbers := func(yield func(int) bool) {
		for number := 1; yield(number); number++ {
		}
	}
	next, stop := iter.Pull(numbers)
	defer stop()
	last := 0
	roundTrips := func(count int) {
		for range count {
			number, ok := next()
			check(ok && number == last+1)
			last = number
		}
	}
	roundTrips(rounds / 10)
	start := time.Now()
	roundTrips(rounds)
	each("time", time.Since(start), 2*rounds)
}
