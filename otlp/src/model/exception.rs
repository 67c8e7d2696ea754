//! `exception.type`, as several languages write it.

/// The type without its module: `RandomError` for `__main__.RandomError`, `handson::RandomError` and
/// `*main.RandomError`. Some SDKs write the module in a span, and not in a log record.
pub fn type_without_module(name: &str) -> &str {
    // Parameters of a generic type have modules, too.
    let end = name.find(['<', '[', '(']).unwrap_or(name.len());
    let start = name[..end].rfind(['.', ':', '/', '\\', '*', '$']).map_or(0, |separator| separator + 1);
    if start == end { name } else { &name[start..] }
}

#[cfg(test)]
mod tests {
    use super::type_without_module;

    #[test]
    fn a_type_is_the_same_with_and_without_its_module() {
        let names = [
            "RandomError",
            "__main__.RandomError",
            "*main.RandomError",
            "handson::error::RandomError",
            "App\\Errors\\RandomError",
            "com.example.Handson$RandomError",
        ];
        assert!(names.iter().all(|name| type_without_module(name) == "RandomError"));
        assert_eq!(type_without_module("core::Wrapped<io::Error>"), "Wrapped<io::Error>");
        assert_eq!(type_without_module("std::"), "std::");
        assert_eq!(type_without_module("(no exception.type)"), "(no exception.type)");
    }
}
