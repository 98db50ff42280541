module cgo-go

go 1.19
