package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// yields has tasks take turns. They start together, once all of them have been spawned and woken,
// and wait at the end until the clock has stopped, so that the time holds no spawn and no end of a
// task.
func yields(tasks, rounds int) {
	var started, woken, done atomic.Int64
	var open atomic.Bool
	allStarted, wake := make(chan struct{}), make(chan struct{})
	finished, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range tasks {
		all.Go(func() {
			if started.Add(1) == int64(tasks) {
				close(allStarted)
			}
			<-wake
			woken.Add(1)
			for !open.Load() {
				runtime.Gosched()
			}
			for range rounds {
				runtime.Gosched()
			}
			if done.Add(1) == int64(tasks) {
				close(finished)
			}
			<-release
		})
	}
	<-allStarted
	close(wake)
	for woken.Load() < int64(tasks) {
		runtime.Gosched()
	}

	start := time.Now()
	open.Store(true)
	<-finished
	// The turns at the two ends count as one.
	each("time", time.Since(start), tasks*(rounds+1))
	close(release)
	all.Wait()
}
