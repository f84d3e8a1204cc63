package main

import "time"

// pingPong sends a message to and fro, through channels without a buffer.
func pingPong(count int) {
	rounds := func(count int) time.Duration {
		ping, pong := make(chan int), make(chan int)
		elapsed := make(chan time.Duration)
		go func() {
			for message := range ping {
				pong <- message
			}
		}()
		go func() {
			start := time.Now()
			for i := range count {
				ping <- i
				check(<-pong == i)
			}
			elapsed <- time.Since(start)
			close(ping)
		}()
		return <-elapsed
	}
	rounds(count / 10)
	each("time", rounds(count), count)
}

// bounded sends many messages through a buffer of 128.
func bounded(count, senders, receivers int) {
	stream := func(count int) time.Duration {
		messages, sent, sums := make(chan int, 128), make(chan struct{}), make(chan int)
		perSender := count / senders
		start := time.Now()
		for range receivers {
			go func() {
				sum := 0
				for message := range messages {
					sum += message
				}
				sums <- sum
			}()
		}
		for range senders {
			go func() {
				for i := range perSender {
					messages <- i
				}
				sent <- struct{}{}
			}()
		}
		for range senders {
			<-sent
		}
		close(messages)
		sum := 0
		for range receivers {
			sum += <-sums
		}
		elapsed := time.Since(start)
		check(sum == senders*(perSender*(perSender-1)/2))
		return elapsed
	}
	stream(count / 10)
	each("time", stream(count), count)
}
