/**
 * The Amplitude analytics SDK for TypeScript with Effect.
 *
 * @since 0.1.0
 */
export {
  /**
   * @since 0.1.0
   */
  Amplitude,
  /**
   * @since 0.1.0
   */
  AmplitudeLive
} from "./Amplitude.js"

export {
  /**
   * @since 0.1.0
   */
  AmplitudeConfig
} from "./AmplitudeConfig.js"

/**
 * @since 0.1.0
 */
export * from "./AmplitudeError.js"

export {
  /**
   * @since 0.1.0
   */
  AmplitudeLogger
} from "./AmplitudeLogger.js"

export {
  /**
   * @since 0.1.0
   */
  AmplitudeTest,
  /**
   * @since 0.1.0
   */
  Recorder
} from "./AmplitudeTest.js"

/**
 * @since 0.1.0
 */
export * as DeliveryReport from "./DeliveryReport.js"

export {
  /**
   * @since 0.1.0
   */
  Event,
  /**
   * @since 0.1.0
   */
  EventOptions,
  /**
   * @since 0.1.0
   */
  IngestionMetadata,
  /**
   * @since 0.1.0
   */
  Plan
} from "./Event.js"

export {
  /**
   * @since 0.1.0
   */
  EventStorage
} from "./EventStorage.js"

/**
 * @since 0.1.0
 */
export * as Identify from "./Identify.js"

/**
 * @since 0.1.0
 */
export * as Plugin from "./Plugin.js"

export {
  /**
   * @since 0.1.0
   */
  Revenue
} from "./Revenue.js"

/**
 * @since 0.1.0
 */
export * as TrackingPlan from "./TrackingPlan.js"

export {
  /**
   * @since 0.1.0
   */
  Transport
} from "./Transport.js"
