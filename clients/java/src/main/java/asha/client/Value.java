package asha.client;

/** One typed value of a configuration. */
public sealed interface Value {
  /**
   * A floating-point number, as every double range sends it.
   *
   * @param value finite
   */
  record Real(double value) implements Value {}

  /**
   * An integer, exact over all 64 bits.
   *
   * @param value any
   */
  record Int(long value) implements Value {}

  /**
   * A text.
   *
   * @param value any
   */
  record Text(String value) implements Value {}

  /**
   * A boolean.
   *
   * @param value either
   */
  record Bool(boolean value) implements Value {}

  /**
   * Null, a list or a map, as canonical JSON.
   *
   * @param value the JSON text: keys sorted, no spaces
   */
  record Json(String value) implements Value {}

  /** A kind of a newer server that this client does not know. */
  record Unknown() implements Value {}
}
