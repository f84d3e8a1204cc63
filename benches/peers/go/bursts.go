package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// burst has very many tasks at once, each parked half-way with a number on its stack, then woken.
// They park on a channel, which is closed to wake them all.
func burst(tasks int) {
	var missing, sum atomic.Int64
	missing.Store(int64(tasks))
	allParked, released := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	before := heldBytes()
	start := time.Now()
	for number := range tasks {
		all.Go(func() {
			if missing.Add(-1) == 0 {
				close(allParked)
			}
			<-released
			sum.Add(int64(number))
		})
	}
	<-allParked
	each("park", time.Since(start), tasks)
	figure("bytes", (heldBytes()-before)/float64(tasks))

	start = time.Now()
	close(released)
	all.Wait()
	each("release", time.Since(start), tasks)
	check(sum.Load() == int64(tasks)*int64(tasks-1)/2)
}
