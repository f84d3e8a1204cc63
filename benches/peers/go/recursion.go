package main

import (
	"time"
	"unsafe"
)

// Where and when the innermost call was reached.
var bottom struct {
	address uintptr
	when    time.Time
}

//go:noinline
func descend(level int) int {
	var buffer [64]byte
	buffer[level&63] = byte(level)
	if level == 0 {
		bottom.when = time.Now()
		bottom.address = uintptr(unsafe.Pointer(&buffer))
		return int(buffer[0])
	}
	return descend(level-1) + int(buffer[level&63])
}

func checked(levels int) {
	expected := 0
	for level := range levels + 1 {
		expected += int(byte(level))
	}
	check(descend(levels) == expected)
}

// frameBytes is what one frame takes, by the addresses of two buffers. The stack moves when it
// grows; it has grown before the first of them is looked at.
func frameBytes() float64 {
	checked(256)
	checked(64)
	low := bottom.address
	checked(0)
	return float64(bottom.address-low) / 64
}

// recursion goes so many bytes deep, twice, and prints how long the way down took, for each KiB.
// Each call has a buffer of 64 bytes, which it writes to and checks on the way back.
func recursion(bytes int) {
	done := make(chan struct{})
	frames := make(chan float64)
	// Measured in a goroutine of its own, so that the other one has its first growth before it.
	go func() { frames <- frameBytes() }()
	frame := <-frames
	go func() {
		levels := int(float64(bytes) / frame)
		for _, name := range []string{"first", "second"} {
			start := time.Now()
			checked(levels)
			figure(name, float64(bottom.when.Sub(start).Nanoseconds())/(float64(levels)*frame/1024))
		}
		close(done)
	}()
	<-done
}
