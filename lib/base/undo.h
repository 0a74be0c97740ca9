// What takes a step back, unless the step is kept.
#pragma once

#include <functional>
#include <utility>

namespace cv {

/// Runs its action when it dies, unless keep() was called. The action must not throw: a failure while
/// undoing is logged there.
class [[nodiscard]] Undo {
 public:
  Undo() = default;
  explicit Undo(std::function<void()> action) : action_(std::move(action)) {}
  Undo(Undo&& other) noexcept : action_(std::exchange(other.action_, nullptr)) {}
  Undo& operator=(Undo&& other) noexcept {
    if (this != &other) {
      run();
      action_ = std::exchange(other.action_, nullptr);
    }
    return *this;
  }
  ~Undo() { run(); }

  void keep() noexcept { action_ = nullptr; }

 private:
  void run() noexcept {
    if (action_) std::exchange(action_, nullptr)();
  }

  std::function<void()> action_;
};

}  // namespace cv
