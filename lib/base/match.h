// Pattern matching over std::variant. No generic case: a new kind must be answered for everywhere.
#pragma once

#include <utility>
#include <variant>

namespace cv {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// match(variant, [](const A&) {...}, [](const B&) {...})
template <class Variant, class... Cases>
decltype(auto) match(Variant&& variant, Cases&&... cases) {
  return std::visit(Overloaded{std::forward<Cases>(cases)...}, std::forward<Variant>(variant));
}

}  // namespace cv
