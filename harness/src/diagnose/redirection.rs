//! Which of a pod's connections are redirected to its sidecar, as Istio's injector was told it: by
//! annotations of the pod, or by settings of the mesh that it hands to istio-init.
//!
//! The order is that of the packet filter's rules which istio-init makes of them. Left out are
//! network interfaces that are excluded: a snapshot does not tell which of them a connection takes.

use serde_json::Value;

use super::selectors::in_range;

/// What the injector is told about a pod's redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Whether anything is redirected at all.
    Mode,
    /// The pod's own ports whose connections are.
    IncludeInboundPorts,
    /// Those of all its own ports whose connections are not.
    ExcludeInboundPorts,
    /// Ports elsewhere to which connections are, whatever the address.
    IncludeOutboundPorts,
    /// Ports elsewhere to which connections are not.
    ExcludeOutboundPorts,
    /// Ranges of addresses to which connections are.
    IncludeOutboundIpRanges,
    /// Ranges of addresses to which connections are not.
    ExcludeOutboundIpRanges,
}

impl Setting {
    /// The annotation of a pod.
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Mode => "sidecar.istio.io/interceptionMode",
            Self::IncludeInboundPorts => "traffic.sidecar.istio.io/includeInboundPorts",
            Self::ExcludeInboundPorts => "traffic.sidecar.istio.io/excludeInboundPorts",
            Self::IncludeOutboundPorts => "traffic.sidecar.istio.io/includeOutboundPorts",
            Self::ExcludeOutboundPorts => "traffic.sidecar.istio.io/excludeOutboundPorts",
            Self::IncludeOutboundIpRanges => "traffic.sidecar.istio.io/includeOutboundIPRanges",
            Self::ExcludeOutboundIpRanges => "traffic.sidecar.istio.io/excludeOutboundIPRanges",
        }
    }

    /// The option of istio-init that has the value.
    fn option(self) -> &'static str {
        match self {
            Self::Mode => "-m",
            Self::IncludeInboundPorts => "-b",
            Self::ExcludeInboundPorts => "-d",
            Self::IncludeOutboundPorts => "-q",
            Self::ExcludeOutboundPorts => "-o",
            Self::IncludeOutboundIpRanges => "-i",
            Self::ExcludeOutboundIpRanges => "-x",
        }
    }

    /// The value with which it leaves nothing out.
    pub fn harmless(self) -> &'static str {
        match self {
            Self::Mode => "REDIRECT",
            Self::IncludeInboundPorts | Self::IncludeOutboundIpRanges => ALL,
            _ => "",
        }
    }
}

/// Everything, as a value of what is included.
const ALL: &str = "*";

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'a> {
    /// Which.
    pub setting: Setting,
    /// Its value.
    pub value: &'a str,
    /// Whether an annotation of the pod has it, and not the mesh's settings.
    pub annotated: bool,
}

/// The redirection of one pod's connections.
pub struct Redirection<'a> {
    pod: &'a Value,
}

impl<'a> Redirection<'a> {
    /// That of a pod which has a sidecar.
    pub fn of(pod: &'a Value) -> Self {
        Self { pod }
    }

    /// What leaves connections to a port of the pod's own out; none where they are redirected.
    pub fn inbound(&self, port: u16) -> Option<Told<'a>> {
        if let Some(none) = self.nothing_at_all() {
            return Some(none);
        }
        match self.told(Setting::IncludeInboundPorts) {
            Some(included) if included.value.trim() != ALL => {
                (!has_port(included.value, port)).then_some(included)
            }
            _ => self
                .told(Setting::ExcludeInboundPorts)
                .filter(|excluded| has_port(excluded.value, port)),
        }
    }

    /// What leaves connections to a port elsewhere out; none where they are redirected.
    pub fn outbound(&self, address: &str, port: u16) -> Option<Told<'a>> {
        let in_ranges = |told: &Told<'_>| has_address(told.value, address);
        let excluded = self
            .nothing_at_all()
            .or_else(|| {
                self.told(Setting::ExcludeOutboundPorts)
                    .filter(|told| has_port(told.value, port))
            })
            .or_else(|| {
                self.told(Setting::ExcludeOutboundIpRanges)
                    .filter(in_ranges)
            });
        let by_port = self.told(Setting::IncludeOutboundPorts);
        if excluded.is_some() || by_port.is_some_and(|told| has_port(told.value, port)) {
            return excluded;
        }
        self.told(Setting::IncludeOutboundIpRanges)
            .filter(|told| told.value.trim() != ALL && !in_ranges(told))
    }

    fn nothing_at_all(&self) -> Option<Told<'a>> {
        self.told(Setting::Mode)
            .filter(|told| told.value.trim() == "NONE")
    }

    /// A setting's value. An annotation goes before the mesh's settings.
    fn told(&self, setting: Setting) -> Option<Told<'a>> {
        let annotation = self.pod["metadata"]["annotations"][setting.annotation()].as_str();
        let (value, annotated) = match annotation {
            Some(value) => (value, true),
            None => (self.argument(setting.option())?, false),
        };
        Some(Told {
            setting,
            value,
            annotated,
        })
    }

    /// The name of the container whose log has the pod's rules, where it has one.
    pub fn made_by(&self) -> Option<&'a str> {
        self.container()?["name"].as_str()
    }

    /// The value after an option of istio-init.
    fn argument(&self, option: &str) -> Option<&'a str> {
        let arguments = self.container()?["args"].as_array()?;
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + 1)?.as_str()
    }

    /// istio-init, or the container that checks the rules where Istio's CNI plugin makes them: both run
    /// the same program.
    fn container(&self) -> Option<&'a Value> {
        let mut containers = self.pod["spec"]["initContainers"].as_array()?.iter();
        containers.find(|container| {
            let mut arguments = container["args"].as_array().into_iter().flatten();
            arguments.any(|argument| argument == "istio-iptables")
        })
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

fn has_port(list: &str, port: u16) -> bool {
    items(list).any(|item| item.parse() == Ok(port))
}

fn has_address(ranges: &str, address: &str) -> bool {
    items(ranges).any(|range| in_range(range, address) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NODE: &str = "10.244.0.7";

    fn annotated(settings: &[(Setting, &str)]) -> Value {
        let annotations: serde_json::Map<String, Value> = settings
            .iter()
            .map(|(setting, value)| (setting.annotation().to_owned(), json!(value)))
            .collect();
        json!({ "metadata": { "annotations": annotations } })
    }

    fn inbound(settings: &[(Setting, &str)], port: u16) -> Option<Setting> {
        let pod = annotated(settings);
        Redirection::of(&pod).inbound(port).map(|told| told.setting)
    }

    fn outbound(settings: &[(Setting, &str)], port: u16) -> Option<Setting> {
        let pod = annotated(settings);
        let told = Redirection::of(&pod).outbound(NODE, port);
        told.map(|told| told.setting)
    }

    #[test]
    fn without_a_setting_everything_is_redirected() {
        assert_eq!(inbound(&[], 47100), None);
        assert_eq!(outbound(&[], 47100), None);
    }

    #[test]
    fn inbound_ports_are_excluded_only_from_all_of_them() {
        use Setting::{ExcludeInboundPorts as Exclude, IncludeInboundPorts as Include};
        assert_eq!(inbound(&[(Exclude, "47500, 47100")], 47100), Some(Exclude));
        assert_eq!(inbound(&[(Exclude, "471")], 47100), None);
        assert_eq!(inbound(&[(Exclude, "")], 47100), None);
        let both = |include| [(Include, include), (Exclude, "47100")];
        assert_eq!(inbound(&both("*"), 47100), Some(Exclude));
        assert_eq!(inbound(&both("47100,8080"), 47100), None);
        assert_eq!(inbound(&both("8080"), 47500), Some(Include));
        assert_eq!(inbound(&[(Include, "")], 47100), Some(Include));
    }

    #[test]
    fn outbound_ports_and_ranges_decide_in_the_order_of_the_rules() {
        use Setting::{
            ExcludeOutboundIpRanges as NotTo, ExcludeOutboundPorts as NotPort,
            IncludeOutboundIpRanges as To, IncludeOutboundPorts as Port,
        };
        assert_eq!(outbound(&[(NotPort, "47100")], 47100), Some(NotPort));
        assert_eq!(outbound(&[(NotPort, "47100")], 47500), None);
        let excluded = [(Port, "47100"), (NotPort, "47100")];
        assert_eq!(outbound(&excluded, 47100), Some(NotPort));
        for (ranges, left_out) in [
            ("*", None),
            ("", Some(To)),
            ("10.96.0.0/12", Some(To)),
            ("10.96.0.0/12, 10.244.0.0/16", None),
        ] {
            assert_eq!(outbound(&[(To, ranges)], 47100), left_out, "{ranges}");
        }
        assert_eq!(outbound(&[(NotTo, "10.0.0.0/8")], 47100), Some(NotTo));
        assert_eq!(outbound(&[(NotTo, "10.96.0.0/12")], 47100), None);
        let by_port = [(To, ""), (Port, "47100")];
        assert_eq!(outbound(&by_port, 47100), None);
        assert_eq!(outbound(&by_port, 47500), Some(To));
        let by_both = [(NotTo, "10.0.0.0/8"), (Port, "47100")];
        assert_eq!(outbound(&by_both, 47100), Some(NotTo));
    }

    #[test]
    fn the_mode_may_leave_everything_out() {
        let none = [(Setting::Mode, "NONE")];
        assert_eq!(inbound(&none, 47100), Some(Setting::Mode));
        assert_eq!(outbound(&none, 47100), Some(Setting::Mode));
        assert_eq!(inbound(&[(Setting::Mode, "TPROXY")], 47100), None);
    }

    #[test]
    fn the_meshs_settings_are_read_where_no_annotation_says_otherwise() {
        let mut pod = json!({ "spec": { "initContainers": [
            { "name": "wait", "args": ["-o", "1"] },
            { "name": "istio-init", "args": ["istio-iptables", "-i", "*", "-x", "", "-b", "*",
                "-d", "15090,15021,15020,47500", "-o", "47100"] }
        ] } });
        let in_force = Redirection::of(&pod).outbound(NODE, 47100);
        let in_force = in_force.expect("it is excluded");
        assert_eq!((in_force.value, in_force.annotated), ("47100", false));
        assert_eq!(Redirection::of(&pod).made_by(), Some("istio-init"));
        assert!(Redirection::of(&pod).inbound(47500).is_some());
        assert_eq!(Redirection::of(&pod).inbound(47100), None);
        pod["metadata"] = annotated(&[(Setting::ExcludeOutboundPorts, "")])["metadata"].take();
        assert_eq!(Redirection::of(&pod).outbound(NODE, 47100), None);
    }
}
