import { Schema } from "effect"
import { TrackingPlan } from "effect-amplitude"

export const plan = TrackingPlan.make({
  "*/": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "1": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  Desc: {
    description: Schema.String,
    properties: Schema.Struct({
      a: Schema.Int
    })
  },
  Desc2: {
    description: Schema.String,
    properties: Schema.Int
  },
  ["__proto__"]: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "`${x}`": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "a-b": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "a.b": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "back\\slash": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  class: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  constructor: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  description: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  empty: {},
  mixed: {
    a: Schema.Union(Schema.String, Schema.Int)
  },
  "new\nline": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  properties: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  toString: {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "uni ☃ é": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  "with \"quotes\"": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  },
  " ": {
    "": Schema.Struct({
      "": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "*/": Schema.Struct({
      "*/": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "1": Schema.Struct({
      "1": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    ["__proto__"]: Schema.Struct({
      p: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "`${x}`": Schema.Struct({
      "`${x}`": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a-b": Schema.Struct({
      "a-b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "a.b": Schema.Struct({
      "a.b": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "back\\slash": Schema.Struct({
      "back\\slash": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    class: Schema.Struct({
      class: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    constructor: Schema.Struct({
      constructor: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    description: Schema.Struct({
      description: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "new\nline": Schema.Struct({
      "new\nline": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    properties: Schema.Struct({
      properties: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    toString: Schema.Struct({
      toString: Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "uni ☃ é": Schema.Struct({
      "uni ☃ é": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    "with \"quotes\"": Schema.Struct({
      "with \"quotes\"": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    }),
    " ": Schema.Struct({
      " ": Schema.Array(Schema.Union(
        Schema.String,
        Schema.Int,
        Schema.Struct({
          y: Schema.Number
        }),
        Schema.Null
      ))
    })
  }
})
