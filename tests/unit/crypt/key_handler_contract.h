// What every key handler must do, whatever it makes of a secret.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "lib/crypt/key_handler.h"
#include "tests/support/external_handlers.h"

namespace cv::test {

struct HandlerCase {
  std::string handler;
  std::string cipher = "aes-xts-plain64";
  std::uint32_t key_bits = 512;
  std::string hash = "sha512";
  std::uint32_t sector_bytes = 512;
  bool is_plugin = false;   ///< of examples/key-handler or tests/plugin
  bool is_command = false;  ///< the program that HandlerRoom has for each name

  friend std::ostream& operator<<(std::ostream& out, const HandlerCase& c) {
    return out << c.handler << " with " << c.cipher << ", " << c.key_bits << " bits, " << c.hash;
  }
};

/// Parameterised: instantiate with a HandlerCase for each implementation.
class KeyHandlerContract : public ::testing::TestWithParam<HandlerCase> {
 protected:
  KeyHandlerContract();

  const crypt::KeyHandler& handler() const { return handlers_.at(GetParam().handler); }
  crypt::FormatRequest request() const;
  /// A secret that the handler accepts; another `seed`, another secret.
  crypt::SecureBytes secret_of(unsigned seed) const;

  HandlerRoom room_;
  crypt::HandlerList handlers_;
};

}  // namespace cv::test
