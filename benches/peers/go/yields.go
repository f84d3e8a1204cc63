package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// yields has tasks take turns. They wait at a gate until all have started, and at the end until the
// clock has stopped, so that the time holds no spawn and no end of a task.
func yields(tasks, rounds int) {
	var started, done atomic.Int64
	var open atomic.Bool
	finished, released := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range tasks {
		all.Go(func() {
			started.Add(1)
			for !open.Load() {
				runtime.Gosched()
			}
			for range rounds {
				runtime.Gosched()
			}
			if done.Add(1) == int64(tasks) {
				close(finished)
			}
			<-released
		})
	}
	for started.Load() < int64(tasks) {
		runtime.Gosched()
	}

	start := time.Now()
	open.Store(true)
	<-finished
	// The turns at the two ends count as one.
	each("time", time.Since(start), tasks*(rounds+1))
	close(released)
	all.Wait()
}
