//! What is the same for all Things with several outputs but for taking events.

/// The notices and questions of an `InputThing` with several outputs: all go to all its
/// ports, which are its own or those of a field.
macro_rules! all_to_ports {
    ($name:literal $(, $field:ident)?) => {
        fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
            match notice {
                Notice::Wake => Ok($crate::Demand::More), // ports are woken by the scheduler
                notice => {
                    use $crate::output::TellEach as _;
                    self $(.$field)?.tell_each(notice, cx)
                }
            }
        }
        fn ask(&self, mut question: Question<'_>) -> bool {
            if let Question::Describe(visitor) = &mut question {
                visitor.filter($name);
            }
            self $(.$field)?.ask_ports(question)
        }
    };
}
pub(crate) use all_to_ports;
