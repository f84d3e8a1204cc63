package main

import (
	"sync"
	"time"
)

// mutex has tasks that all add to the same number behind a mutex, with nothing in between.
func mutex(count, tasks int) {
	additions := func(count int) time.Duration {
		var lock sync.Mutex
		var all sync.WaitGroup
		total := 0
		start := time.Now()
		for range tasks {
			all.Go(func() {
				for range count / tasks {
					lock.Lock()
					total++
					lock.Unlock()
				}
			})
		}
		all.Wait()
		elapsed := time.Since(start)
		check(total == count/tasks*tasks)
		return elapsed
	}
	additions(count / 10)
	each("time", additions(count), count)
}
