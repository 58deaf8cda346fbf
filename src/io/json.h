// io/json.h -- JSON: events of a parser that neither recurses nor builds anything, and quoting.
#pragma once

#include <string>
#include <string_view>

#include "io/source.h"

namespace ct::io {

// Is told what stands in a JSON text, in order.
class JsonHandler {
 public:
  virtual ~JsonHandler();
  virtual void null() = 0;
  virtual void boolean(bool v) = 0;
  virtual void integer(std::int64_t v) = 0;       // also for numbers from 2^63 on, as the nearest
  virtual void number(double v) = 0;
  virtual void string(std::string& v) = 0;
  virtual void key(std::string& k) = 0;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
};

// Returns an empty text, or what is wrong and at which byte of the text (from 0).
std::string parse_json(std::string_view text, JsonHandler& handler, std::uint64_t& where);

std::string json_quoted(std::string_view s);

}  // namespace ct::io
