package main

import (
	"sync"
	"time"
)

// sleeps has tasks that each sleep once, for 1 to 100 ms.
func sleeps(tasks int) {
	state := uint64(12_345) // Marsaglia's xorshift64: the same durations for everybody
	var all sync.WaitGroup
	start, cpu := time.Now(), cpuTime()
	for range tasks {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		duration := time.Duration(1+state%100) * time.Millisecond
		all.Go(func() {
			start := time.Now()
			time.Sleep(duration)
			check(time.Since(start) >= duration)
		})
	}
	all.Wait()
	figure("wall", float64(time.Since(start).Nanoseconds())/1e6)
	each("cpu", cpuTime()-cpu, tasks)
}
