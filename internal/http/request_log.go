package httpapi

import (
	"time"

	"github.com/rs/zerolog"
)

// Up to so many requests a second have a line each, and of the others every hundredth: at some thousand a second nobody reads
// them, and writing them costs more than reading a user. What went wrong always has its line.
const (
	linesASecond = 200
	thenEvery    = 100
)

func requestLog(log zerolog.Logger) zerolog.Logger {
	if log.GetLevel() <= zerolog.DebugLevel {
		return log // which is to tell all
	}
	return log.Sample(zerolog.LevelSampler{InfoSampler: &zerolog.BurstSampler{
		Burst: linesASecond, Period: time.Second, NextSampler: &zerolog.BasicSampler{N: thenEvery},
	}})
}
