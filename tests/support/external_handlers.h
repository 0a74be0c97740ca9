// Key handlers from elsewhere in a directory as an administrator would have it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/crypt/external.h"
#include "tests/support/temp_dir.h"

namespace cv::test {

class HandlerRoom {
 public:
  /// Nothing is in it; what is put there belongs to who runs the test, who stands for root.
  HandlerRoom();

  /// One of tests/plugin and examples/key-handler, under that name or another.
  void install(std::string_view plugin) { install(plugin, plugin); }
  void install(std::string_view plugin, std::string_view name);
  /// A program that is a handler: a shell script.
  void add_program(const std::string& name, const std::string& script);
  /// One that keeps keys in clear, and asks for a secret.
  void add_cellar(const std::string& name);
  /// Of programs that are added later.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  void set_region(std::uint64_t bytes) { region_ = bytes; }
  std::string path(std::string_view name) const { return folder_.path(name); }
  /// Of plugins and programs, with a short patience. The room outlives them.
  crypt::ExternalHandlers settings() const;

 private:
  TempDir folder_;
  std::map<std::string, crypt::CommandSpec, std::less<>> programs_;
  std::chrono::milliseconds patience_ = std::chrono::seconds(20);
  std::uint64_t region_ = 4096;
};

}  // namespace cv::test
