// Go's runtime. The same works as in ../src/bin, with the same arguments and the same lines
// printed.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		panic("usage: <work> <workers> [number ...]")
	}
	var numbers []int
	for _, text := range os.Args[2:] {
		number, err := strconv.Atoi(text)
		check(err == nil)
		numbers = append(numbers, number)
	}
	runtime.GOMAXPROCS(numbers[0])
	debug.SetMaxStack(1_000_000_000)
	n := numbers[1:]
	switch os.Args[1] {
	case "version":
		fmt.Println(runtime.Version())
	case "switch":
		switches(n[0])
	case "yield":
		yields(n[0], n[1])
	case "spawn":
		spawns(n[0], n[1])
	case "parked":
		burst(n[0])
	case "ping_pong":
		pingPong(n[0])
	case "bounded":
		bounded(n[0], n[1], n[2])
	case "skynet":
		skynet(n[0])
	case "fib":
		fibonacci(n[0])
	case "mutex":
		mutex(n[0], n[1])
	case "sleeps":
		sleeps(n[0])
	case "recursion":
		recursion(n[0])
	default:
		panic("no such work here: " + os.Args[1])
	}
}

// figure prints a figure: nanoseconds, milliseconds or bytes, as the table of works says.
func figure(name string, value float64) {
	fmt.Printf("{\"figure\":%q,\"value\":%.3f}\n", name, value)
}

// each prints the time of one of count equal pieces of work, in nanoseconds.
func each(name string, elapsed time.Duration, count int) {
	figure(name, float64(elapsed.Nanoseconds())/float64(count))
}

func check(ok bool) {
	if !ok {
		panic("wrong result")
	}
}
