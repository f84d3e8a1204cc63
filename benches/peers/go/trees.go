package main

import "time"

// node is a tree with ten branches at each node, whose leaves are numbered.
func node(parent chan int, number, leaves int) {
	sum := number
	if leaves > 1 {
		children := make(chan int)
		for i := range 10 {
			go node(children, number+i*(leaves/10), leaves/10)
		}
		sum = 0
		for range 10 {
			sum += <-children
		}
	}
	parent <- sum
}

// skynet has a million leaves that report by channels.
func skynet(leaves int) {
	tree := func() {
		root := make(chan int)
		go node(root, 0, leaves)
		check(<-root == leaves*(leaves-1)/2)
	}
	tree()
	start := time.Now()
	tree()
	each("time", time.Since(start), leaves)
}

func serial(n int) int {
	if n < 2 {
		return n
	}
	return serial(n-1) + serial(n-2)
}

func fork(n int) int {
	if n <= 12 {
		return serial(n)
	}
	larger := make(chan int, 1)
	go func() { larger <- fork(n - 1) }()
	smaller := fork(n - 2)
	return <-larger + smaller
}

// fibonacci is fork-join.
func fibonacci(n int) {
	tree := func() {
		a, b := 0, 1
		for range n {
			a, b = b, a+b
		}
		check(fork(n) == a)
	}
	tree()
	start := time.Now()
	tree()
	each("time", time.Since(start), 1_000_000)
}
