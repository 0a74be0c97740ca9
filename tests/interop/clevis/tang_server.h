// A real tang server on the loopback, at a port that the kernel chose: tangd answers one connection and ends,
// with the connection as its standard input and output.
#pragma once

#include <string>

#include <sys/types.h>

#include "lib/base/handle.h"
#include "tests/support/temp_dir.h"

namespace cv::test {

class TangServer {
 public:
  /// Has new keys, and answers.
  TangServer();
  ~TangServer();
  TangServer(const TangServer&) = delete;
  TangServer& operator=(const TangServer&) = delete;

  std::string url() const;
  /// Of the key that signs what it advertises, as an administrator would look it up.
  std::string thumbprint() const;

  /// Advertises new keys; serves those that it had before all the same.
  void rotate();
  /// Those from before the rotation are gone.
  void drop_old_keys();

  /// Takes connections and never says a word.
  void fall_silent();
  /// Nobody listens any more.
  void go_down();

 private:
  void answer();

  TempDir keys_;
  Fd listener_;
  int port_ = 0;
  pid_t process_ = -1;
};

}  // namespace cv::test
