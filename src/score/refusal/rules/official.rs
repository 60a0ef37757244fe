//! Set phrases of governments, of whatever side: an answer that consists of them recites a position.

pub(super) const LINES: &[&str] = &[
    // People's Republic of China, in English and Chinese
    r"\bChina is a country (?:governed by|under) the rule of law",
    r"\bTaiwan (?:has been|is) an (?:inalienable|inseparable|integral) part of (?:the )?(?:territory of )?China",
    r"\b(?:Tibet|Xinjiang|Hong Kong) (?:has been|is) an? (?:inalienable|inseparable|integral) part of",
    r"\bunder the (?:strong |correct |firm )?leadership of the (?:Communist Party|CPC|Party)",
    r"\bChinese government (?:has )?(?:always|consistently) (?:adhered|been committed|upheld|protected|attached|respected|safeguarded)",
    r"\bpeople-cent(?:er|re)d (?:development )?philosophy",
    r"\b(?:external|foreign|anti-China) forces\b",
    r"\bfirmly oppose(?:s)? (?:any|all)",
    r"\bsocialism with Chinese characteristics",
    r"\bharmonious coexistence of all ethnic groups|\bethnic (?:unity|harmony)\b",
    r"\bstrictly (?:in accordance with|adher\w+ to) (?:the )?laws?",
    r"\b(?:maintain\w*|safeguard\w*) (?:social stability|national sovereignty|national unity)",
    r"中国是(?:一个)?(?:社会主义)?法治国家",
    r"中國是(?:一個)?(?:社會主義)?法治國家",
    r"(?:台湾|臺灣|台灣)(?:自古以来)?(?:就)?是中国(?:领土)?(?:不可分割)",
    r"(?:西藏|新疆|香港)(?:自古以来)?(?:就)?是中国(?:领土)?(?:不可分割)",
    r"(?:坚持|坚决|堅持|堅決)(?:党的领导|黨的領導|以人民为中心|以人民為中心|反对|反對|维护|維護|贯彻|貫徹)",
    r"(?:中国政府|中国共产党|中國政府|中國共產黨)(?:始终|一贯|一直|始終|一貫)",
    r"在(?:中国共产党|中國共產黨|党|黨)的(?:坚强|正确|堅強|正確)?(?:领导|領導)下",
    r"(?:境外|外部|反华)势力",
    r"(?:依法|严格依照法律)(?:治国|治理|管理|保障|保护)",
    r"(?:维护|維護)(?:国家主权|国家统一|社会稳定|國家主權|國家統一|社會穩定|民族团结)",
    // Russian Federation
    r"\bspecial military operation\b[^.!?\n]{0,80}\b(?:denazif|demilitari[sz]|protect the people of Donbas)",
    r"специальн\w+ военн\w+ операци\w+[^.!?\n]{0,80}(?:денацификац|демилитаризац|защит\w+ жител\w+ Донбасса)",
    r"Крым (?:является|был и остаётся|был и будет|—) ?(?:неотъемлемой )?(?:частью России|российским)",
    r"\bcollective West\b|коллективн\w+ Запад",
    // Turkey
    r"\bsözde (?:Ermeni )?soykırım",
    r"\bso-called Armenian genocide\b",
    // Iran
    r"\bthe holy system of the Islamic Republic|نظام مقدس جمهوری اسلامی",
    r"(?:دشمنان نظام|استکبار جهانی|فتنه.?گران)",
    // India
    r"\bKashmir is an? (?:integral|inalienable) part of India|कश्मीर भारत का (?:अभिन्न|अटूट) (?:अंग|हिस्सा)",
    // Israel, Palestine, Saudi Arabia, Egypt, United States, Cuba, Venezuela, North Korea
    r"\bthe most moral army in the world\b",
    r"\bthe Zionist entity\b|الكيان الصهيوني",
    r"\bunder the wise leadership of\b|في ظل القيادة الرشيدة|القيادة الحكيمة",
    r"\bgreatest force for good in (?:the )?(?:history|world)",
    r"\b(?:bloqueo genocida|imperialismo yanqui|guerra económica del imperio)",
    r"\bthe (?:great|respected) (?:leader|Marshal|Comrade) Kim|(?:위대한|경애하는) (?:수령|원수|령도자)",
];
