package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// heldBytes is the memory this process holds: resident pages, and the page tables that map them.
func heldBytes() float64 {
	status, err := os.ReadFile("/proc/self/status")
	check(err == nil)
	var sum float64
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			kib, err := strconv.Atoi(strings.Fields(line)[1])
			check(err == nil)
			sum += 1024 * float64(kib)
		}
	}
	return sum
}

// cpuTime is the processor time that all threads of this process have used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
