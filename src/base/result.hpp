// Result<T>: a value, or an Error that says what went wrong, in words a user can act on.
//
// Each room declares a closed `enum class` of its errors and, beside it, a function found by ADL
//
//     ErrorText describe(MyError);            // pinned code, cause, next step
//
// after which `return MyError::too_long;` or `return fail(MyError::too_long, "name has 300 bytes")`
// makes the Error. Nothing is thrown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/ensure.hpp"

namespace tally {

/// What is known about an error in advance: a stable code such as "tx_expired", what it means, and
/// what the reader can do next (may be empty).
struct ErrorText {
    std::string_view code;
    std::string_view cause;
    std::string_view next;
};

/// One failure. `code` is stable and for programs; `message()` is for people.
struct Error {
    std::string_view code;   ///< static storage
    std::string_view cause;  ///< static storage
    std::string_view next;   ///< static storage; may be empty
    std::string detail;      ///< what in particular, may be empty

    /// "cause: detail. next" in one line.
    [[nodiscard]] std::string message() const;
    /// Same closed error, whatever the detail.
    template <class E>
    requires std::is_enum_v<E>
    [[nodiscard]] bool is(E error) const { return code == describe(error).code; }
};

template <class E>
concept ErrorEnum = std::is_enum_v<E> && requires(E error) {
    { describe(error) } -> std::same_as<ErrorText>;
};

template <ErrorEnum E>
[[nodiscard]] Error fail(E error, std::string detail = {}) {
    const ErrorText text = describe(error);
    return Error{text.code, text.cause, text.next, std::move(detail)};
}

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}
    template <ErrorEnum E>
    Result(E error) : held_(std::in_place_index<1>, fail(error)) {}

    [[nodiscard]] bool ok() const { return held_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        ENSURE(ok());
        return std::get<0>(held_);
    }
    const T& value() const& {
        ENSURE(ok());
        return std::get<0>(held_);
    }
    T&& value() && {
        ENSURE(ok());
        return std::get<0>(std::move(held_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& {
        ENSURE(!ok());
        return std::get<1>(held_);
    }
    Error&& error() && {
        ENSURE(!ok());
        return std::get<1>(std::move(held_));
    }

private:
    std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}
    template <ErrorEnum E>
    Result(E error) : error_(fail(error)) {}

    [[nodiscard]] bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    void value() const { ENSURE(ok()); }
    const Error& error() const& {
        ENSURE(!ok());
        return *error_;
    }
    Error&& error() && {
        ENSURE(!ok());
        return *std::move(error_);
    }

private:
    std::optional<Error> error_;
};

/// Success without a value.
inline Result<void> success() {
    return {};
}

}  // namespace tally

#define TALLY_JOIN_(a, b) a##b
#define TALLY_JOIN(a, b) TALLY_JOIN_(a, b)
#define TALLY_TRY_(temporary, name, expression)               \
    auto temporary = (expression);                            \
    if (!temporary.ok()) return std::move(temporary).error(); \
    auto name = std::move(temporary).value()

/// TRY(name, expression): `name` becomes the value, or the enclosing function returns the error.
#define TRY(name, expression) TALLY_TRY_(TALLY_JOIN(try_, __LINE__), name, expression)

/// CHECK(expression): for a Result whose value is not wanted.
#define CHECK(expression)                                         \
    do {                                                          \
        if (auto check_result = (expression); !check_result.ok()) \
            return std::move(check_result).error();               \
    } while (false)
