package asha

import (
	"encoding/json"
	"fmt"

	ashav1 "asha/clients/go/asha/v1"
)

// Parameter is one value of a configuration.
type Parameter struct {
	// Name is the full path, groups joined by dots: optimizer.momentum.
	Name string
	// Value is a float64, int64, string, bool, or a [json.RawMessage] of canonical JSON (null,
	// lists and maps). nil is a kind of a newer server.
	Value any
}

// Configuration is a trial's parameters in the order in which the experiment declares them.
// Inactive conditional parameters are absent.
type Configuration []Parameter

// Lookup gives the value of a parameter; false if the configuration has none of that name.
func (c Configuration) Lookup(name string) (any, bool) {
	for _, parameter := range c {
		if parameter.Name == name {
			return parameter.Value, true
		}
	}
	return nil, false
}

// Decode stores the configuration in a struct or map, as [json.Unmarshal] does with an object of
// the parameters by full name. Integers keep all their 64 bits.
//
//	var hyperparameters struct {
//		LearningRate float64 `json:"lr"`
//		Momentum     float64 `json:"optimizer.momentum"`
//	}
//	err := trial.Configuration.Decode(&hyperparameters)
func (c Configuration) Decode(into any) error {
	object := make(map[string]any, len(c))
	for _, parameter := range c {
		object[parameter.Name] = parameter.Value
	}
	text, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("decode the configuration: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("decode the configuration: %w", err)
	}
	return nil
}

func decodeConfiguration(parameters []*ashav1.Parameter) Configuration {
	configuration := make(Configuration, len(parameters))
	for i, parameter := range parameters {
		configuration[i] = Parameter{parameter.GetName(), decodeValue(parameter.GetValue())}
	}
	return configuration
}

func decodeValue(value *ashav1.ParameterValue) any {
	switch kind := value.GetKind().(type) {
	case *ashav1.ParameterValue_DoubleValue:
		return kind.DoubleValue
	case *ashav1.ParameterValue_IntValue:
		return kind.IntValue
	case *ashav1.ParameterValue_StringValue:
		return kind.StringValue
	case *ashav1.ParameterValue_BoolValue:
		return kind.BoolValue
	case *ashav1.ParameterValue_JsonValue:
		return json.RawMessage(kind.JsonValue)
	default:
		return nil
	}
}
