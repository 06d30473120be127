package asha.client;

import asha.v1.Parameter;
import asha.v1.ParameterValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** A trial's hyperparameters, in the order in which the experiment declares them. Immutable. */
public final class Configuration {
  private final Map<String, Value> values;

  Configuration(List<Parameter> parameters) {
    Map<String, Value> byName = new LinkedHashMap<>();
    parameters.forEach(p -> byName.put(p.getName(), decode(p.getValue())));
    values = Collections.unmodifiableMap(byName);
  }

  /**
   * All values by full name ({@code optimizer.momentum}), in declared order.
   *
   * @return unmodifiable; inactive conditional parameters are absent
   */
  public Map<String, Value> values() {
    return values;
  }

  /**
   * Whether a parameter is active in this trial.
   *
   * @param name its full name
   * @return false for one that is inactive, or that the experiment does not have
   */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /**
   * A number.
   *
   * @param name the parameter's full name
   * @return the value; an integer is widened, which is exact up to 2^53
   * @throws NoSuchElementException there is no such active parameter
   * @throws IllegalArgumentException it is not a number
   */
  public double getDouble(String name) {
    return get(name) instanceof Value.Int integer
        ? integer.value()
        : get(name, Value.Real.class).value();
  }

  /**
   * An integer.
   *
   * @param name the parameter's full name
   * @return the exact value
   * @throws NoSuchElementException there is no such active parameter
   * @throws IllegalArgumentException it is not an integer
   */
  public long getLong(String name) {
    return get(name, Value.Int.class).value();
  }

  /**
   * A text.
   *
   * @param name the parameter's full name
   * @return the value
   * @throws NoSuchElementException there is no such active parameter
   * @throws IllegalArgumentException it is not a text
   */
  public String getString(String name) {
    return get(name, Value.Text.class).value();
  }

  /**
   * A boolean.
   *
   * @param name the parameter's full name
   * @return the value
   * @throws NoSuchElementException there is no such active parameter
   * @throws IllegalArgumentException it is not a boolean
   */
  public boolean getBoolean(String name) {
    return get(name, Value.Bool.class).value();
  }

  /**
   * Null, a list or a map, as JSON text.
   *
   * @param name the parameter's full name
   * @return canonical JSON
   * @throws NoSuchElementException there is no such active parameter
   * @throws IllegalArgumentException it is of another kind
   */
  public String getJson(String name) {
    return get(name, Value.Json.class).value();
  }

  private Value get(String name) {
    Value value = values.get(name);
    if (value == null) {
      throw new NoSuchElementException("no parameter " + name + "; there are " + values.keySet());
    }
    return value;
  }

  private <T extends Value> T get(String name, Class<T> kind) {
    Value value = get(name);
    if (!kind.isInstance(value)) {
      throw new IllegalArgumentException(
          "parameter " + name + " is " + value + ", no " + kind.getSimpleName());
    }
    return kind.cast(value);
  }

  private static Value decode(ParameterValue message) {
    return switch (message.getKindCase()) {
      case DOUBLE_VALUE -> new Value.Real(message.getDoubleValue());
      case INT_VALUE -> new Value.Int(message.getIntValue());
      case STRING_VALUE -> new Value.Text(message.getStringValue());
      case BOOL_VALUE -> new Value.Bool(message.getBoolValue());
      case JSON_VALUE -> new Value.Json(message.getJsonValue());
      case KIND_NOT_SET -> new Value.Unknown();
    };
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
