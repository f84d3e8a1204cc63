package main

import "time"

// spawns makes tasks that end at once: batches of them are spawned, then joined. A batch of one is
// a task that somebody waits for; a large one also fills the queues. What a join handle is
// elsewhere, is here a channel with room for the result.
func spawns(count, batch int) {
	batches := func(count int) time.Duration {
		results := make([]chan int, batch)
		start := time.Now()
		for range count {
			for i := range batch {
				result := make(chan int, 1)
				results[i] = result
				go func() { result <- i }()
			}
			for i, result := range results {
				check(<-result == i)
			}
		}
		return time.Since(start)
	}
	batches(count/10 + 1)
	each("time", batches(count), count*batch)
}
