package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	pixels    = 64
	classes   = 10
	batchSize = 32
	momentum  = 0.9
)

// network is a perceptron with one hidden layer of tanh units and a softmax, trained by stochastic
// gradient descent with momentum. Its exported fields are its checkpoint.
type network struct {
	Hidden, Output layer
	Epoch          int64 // trained so far

	seed uint32
	rate float64
}

// layer is affine: each row of Weights is one output's, its bias last.
type layer struct {
	Weights, Velocity [][]float64
}

func newLayer(inputs, outputs int, random *rand.Rand) layer {
	l := layer{make([][]float64, outputs), make([][]float64, outputs)}
	for i := range l.Weights {
		l.Weights[i], l.Velocity[i] = make([]float64, inputs+1), make([]float64, inputs+1)
		for j := range inputs {
			l.Weights[i][j] = random.NormFloat64() / math.Sqrt(float64(inputs))
		}
	}
	return l
}

func (l layer) apply(input []float64) []float64 {
	output := make([]float64, len(l.Weights))
	for i, row := range l.Weights {
		sum := row[len(input)]
		for j, x := range input {
			sum += row[j] * x
		}
		output[i] = sum
	}
	return output
}

func newNetwork(hidden int, rate float64, seed uint32) *network {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	return &network{
		Hidden: newLayer(pixels, hidden, random),
		Output: newLayer(hidden, classes, random),
		seed:   seed,
		rate:   rate,
	}
}

// predict gives the hidden activations and the probability of each class.
func (n *network) predict(image []float64) (hidden, probability []float64) {
	hidden = n.Hidden.apply(image)
	for i := range hidden {
		hidden[i] = math.Tanh(hidden[i])
	}
	probability = n.Output.apply(hidden)
	greatest := math.Inf(-1)
	for _, x := range probability {
		greatest = max(greatest, x)
	}
	sum := 0.0
	for i, x := range probability {
		probability[i] = math.Exp(x - greatest)
		sum += probability[i]
	}
	for i := range probability {
		probability[i] /= sum
	}
	return hidden, probability
}

// train goes once through the digits, in an order that depends on seed and epoch alone, so that a
// resumed training is the same as an uninterrupted one.
func (n *network) train(digits []digit) {
	n.Epoch++
	order := rand.New(rand.NewPCG(uint64(n.seed), uint64(n.Epoch))).Perm(len(digits))
	for start := 0; start < len(order); start += batchSize {
		batch := order[start:min(start+batchSize, len(order))]
		hidden, output := n.Hidden.gradient(), n.Output.gradient()
		for _, i := range batch {
			n.backpropagate(digits[i], hidden, output)
		}
		scale := n.rate / float64(len(batch))
		n.Hidden.descend(hidden, scale)
		n.Output.descend(output, scale)
	}
}

// backpropagate adds the gradient of one digit's cross-entropy.
func (n *network) backpropagate(d digit, hiddenGradient, outputGradient [][]float64) {
	hidden, delta := n.predict(d.image[:])
	delta[d.class]--
	back := make([]float64, len(hidden))
	for i, slope := range delta {
		for j, h := range hidden {
			back[j] += slope * n.Output.Weights[i][j]
			outputGradient[i][j] += slope * h
		}
		outputGradient[i][len(hidden)] += slope
	}
	for i, h := range hidden {
		slope := back[i] * (1 - h*h)
		for j, x := range d.image {
			hiddenGradient[i][j] += slope * x
		}
		hiddenGradient[i][pixels] += slope
	}
}

func (l layer) gradient() [][]float64 {
	g := make([][]float64, len(l.Weights))
	for i := range g {
		g[i] = make([]float64, len(l.Weights[i]))
	}
	return g
}

func (l layer) descend(gradient [][]float64, scale float64) {
	for i, row := range gradient {
		for j, slope := range row {
			l.Velocity[i][j] = momentum*l.Velocity[i][j] - scale*slope
			l.Weights[i][j] += l.Velocity[i][j]
		}
	}
}

// validate gives the mean cross-entropy and the share of digits that are recognised.
func (n *network) validate(digits []digit) (loss, accuracy float64) {
	for _, d := range digits {
		_, probability := n.predict(d.image[:])
		loss -= math.Log(max(probability[d.class], math.SmallestNonzeroFloat64))
		best := 0
		for i, p := range probability {
			if p > probability[best] {
				best = i
			}
		}
		if best == d.class {
			accuracy++
		}
	}
	return loss / float64(len(digits)), accuracy / float64(len(digits))
}

// save writes a checkpoint; a reader never sees half of one.
func (n *network) save(path string) error {
	content, err := json.Marshal(n)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "*.partial")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func (n *network) load(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, n)
}
